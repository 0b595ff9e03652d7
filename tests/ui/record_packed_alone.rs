use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(packed)]
struct Particle {
    kind: u8,
    charge: f32,
}

fn main() {}
