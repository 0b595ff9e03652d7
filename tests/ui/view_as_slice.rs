use buffer_runtime::BufferView;

fn largest(view: BufferView<'_, u8>) -> Option<u8> {
    view.as_slice().iter().copied().max()
}

fn main() {}
