use buffer_runtime::{ExportBuffer, ExportCell};

#[derive(ExportBuffer)]
struct Table {
    #[buffer(get)]
    time: ExportCell<Vec<i64>>,
    #[buffer(get)]
    level: ExportCell<Vec<f64>>,
}

fn main() {}
