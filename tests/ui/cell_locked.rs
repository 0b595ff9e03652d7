use buffer_runtime::ExportCell;

fn main() {
    let cell = ExportCell::new(vec![1.0_f32]);
    cell.lock().unwrap().push(2.0);
}
