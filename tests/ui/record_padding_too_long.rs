use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f64,
    kind: u8,
    #[buffer(padding)]
    _pad: [u8; 8],
}

fn main() {}
