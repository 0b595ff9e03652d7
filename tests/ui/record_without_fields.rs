use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle;

fn main() {}
