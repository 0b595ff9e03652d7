use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(as = [f32; 3])]
    charge: [u8; 8],
}

fn main() {}
