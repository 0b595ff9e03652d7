use buffer_runtime::ExportCell;

fn main() {
    let cell = ExportCell::new(vec![1.0_f32]);
    let _copy = cell.clone();
}
