use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kind: u8,
    charge: f32,
}

fn main() {}
