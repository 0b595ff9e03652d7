use buffer_runtime::BufferView;

fn double(view: BufferView<'_, f64>) {
    view.update(|item| item * 2.0);
}

fn main() {}
