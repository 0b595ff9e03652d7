use buffer_runtime::BufferViewMut;

fn swap(view: BufferViewMut<'_, f64>) {
    let first = view[0];
    view.set(&[1], first);
}

fn main() {}
