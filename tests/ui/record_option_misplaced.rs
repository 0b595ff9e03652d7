use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[buffer(rename = "P")]
#[repr(C)]
struct Particle {
    #[buffer(crate = "buffer_runtime")]
    charge: f32,
}

fn main() {}
