use buffer_runtime::Be;

fn port() -> Be<u16> {
    Be::new(443.0)
}

fn main() {}
