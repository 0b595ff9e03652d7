use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
struct Particle {
    charge: f32,
}

fn main() {}
