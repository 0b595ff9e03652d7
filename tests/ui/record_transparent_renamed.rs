use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(transparent)]
struct Meters(#[buffer(rename = "m")] f32);

fn main() {}
