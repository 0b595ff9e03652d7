use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kind: u8,
    #[buffer(padding)]
    _pad: [u8; 2],
    charge: f32,
}

fn main() {}
