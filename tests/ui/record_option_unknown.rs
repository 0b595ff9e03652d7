use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(name = "q")]
    charge: f32,
    #[buffer]
    mass: f32,
}

fn main() {}
