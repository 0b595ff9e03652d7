use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kind: u8,
    charges: [u8; 0],
}

fn main() {}
