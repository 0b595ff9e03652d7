use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
    #[buffer(rename = "rest", padding)]
    _pad: [u8; 4],
}

fn main() {}
