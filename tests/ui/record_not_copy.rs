use buffer_runtime::BufferElement;

#[derive(BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
}

fn main() {}
