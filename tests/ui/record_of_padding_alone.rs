use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(padding)]
    charge: f32,
}

fn main() {}
