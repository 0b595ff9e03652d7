use buffer_runtime::ExportCell;

fn main() {
    let samples = vec![1.0_f32];
    let _ = ExportCell::new(samples.as_slice());
}
