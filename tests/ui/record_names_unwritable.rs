use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(rename = "")]
    charge: f32,
    #[buffer(rename = "a:b")]
    mass: f32,
    #[buffer(rename = "a\0b")]
    spin: f32,
    #[buffer(rename = 7)]
    kind: u32,
}

fn main() {}
