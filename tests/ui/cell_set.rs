use buffer_runtime::ExportCell;

fn main() {
    let cell = ExportCell::new(vec![1.0_f32]);
    cell.set(0, 2.0);
}
