use buffer_runtime::ExportCell;

fn length(cell: &ExportCell<[f64]>) -> usize {
    cell.len()
}

fn main() {}
