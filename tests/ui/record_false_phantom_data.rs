use buffer_runtime::BufferElement;

#[derive(Clone, Copy)]
struct PhantomData;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
    marker: PhantomData,
}

fn main() {}
