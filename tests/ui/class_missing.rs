use buffer_runtime::{ExportBuffer, ExportCell};

#[derive(ExportBuffer)]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

fn main() {}
