use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(u8)]
enum Kind {
    Proton,
    Neutron,
}

fn main() {}
