use buffer_runtime::BufferElement;
use buffer_runtime::Be;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Packet {
    ports: Be<[u16; 2]>,
}

fn main() {}
