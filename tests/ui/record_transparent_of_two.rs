use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(transparent)]
struct Meters(f32, [u8; 0]);

fn main() {}
