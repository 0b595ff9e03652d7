use buffer_runtime::Format;

fn format() -> Format {
    Format::new("d")
}

fn main() {}
