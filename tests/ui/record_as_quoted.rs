use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(as = "[f32; 3]")]
    position: [f32; 3],
}

fn main() {}
