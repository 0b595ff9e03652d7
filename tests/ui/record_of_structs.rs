use buffer_runtime::BufferElement;

#[derive(Clone, Copy)]
#[repr(C)]
struct Vector {
    x: f32,
    y: f32,
}

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    position: Vector,
    velocity: Vector,
}

fn main() {}
