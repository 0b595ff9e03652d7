use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
union Value {
    bits: u32,
    float: f32,
}

fn main() {}
