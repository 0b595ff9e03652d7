use buffer_runtime::BufferViewMut;

fn double(view: BufferViewMut<'_, f64>) {
    view.iter_mut().for_each(|item| *item *= 2.0);
}

fn main() {}
