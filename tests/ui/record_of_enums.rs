use buffer_runtime::BufferElement;

#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Proton,
    Neutron,
}

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kinds: [Kind; 3],
}

fn main() {}
