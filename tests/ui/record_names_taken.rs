use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    #[buffer(rename = "q")]
    charge: f32,
    q: f32,
    #[buffer(rename = "q")]
    quality: f32,
}

fn main() {}
