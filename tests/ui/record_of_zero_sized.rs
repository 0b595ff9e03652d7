use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
    rest: [f32; 0],
}

fn main() {}
