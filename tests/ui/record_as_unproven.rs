use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(as = u8)]
    alive: bool,
}

fn main() {}
