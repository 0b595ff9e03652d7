use buffer_runtime::BufferElement;

#[derive(Clone, BufferElement)]
#[repr(C)]
struct Particle {
    name: String,
}

fn main() {}
