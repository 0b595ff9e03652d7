use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
    kind: u8,
}

fn main() {}
