use buffer_runtime::{ExportBuffer, ExportCell};

#[derive(ExportBuffer)]
enum Samples {
    Mono { data: ExportCell<Vec<f32>> },
}

fn main() {}
