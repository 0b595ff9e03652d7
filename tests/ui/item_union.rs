use buffer_runtime::{ExportBuffer, ExportCell};

#[derive(ExportBuffer)]
union Samples {
    data: std::mem::ManuallyDrop<ExportCell<Vec<f32>>>,
}

fn main() {}
