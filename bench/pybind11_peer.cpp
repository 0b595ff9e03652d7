/* The matrix as pybind11's manual exports it ("Buffer protocol"): `def_buffer` returns a description of the memory.
 *
 * pybind11 checks each request against the description. No call reports the end of a view, so views cannot be counted,
 * and add_row moves the memory of views that are alive. */

#include <pybind11/pybind11.h>

#include <cstddef>
#include <vector>

namespace py = pybind11;

class Matrix {
public:
    Matrix(py::ssize_t ncols, py::ssize_t nrows) : ncols_(ncols), data_(static_cast<std::size_t>(ncols * nrows)) {}

    float *data() { return data_.data(); }
    py::ssize_t rows() const { return static_cast<py::ssize_t>(data_.size()) / ncols_; }
    py::ssize_t cols() const { return ncols_; }
    void add_row() { data_.resize(data_.size() + static_cast<std::size_t>(ncols_)); }

private:
    py::ssize_t ncols_;
    std::vector<float> data_;
};

PYBIND11_MODULE(pybind11_peer, m) {
    py::class_<Matrix>(m, "Matrix", py::buffer_protocol())
        .def(py::init<py::ssize_t, py::ssize_t>(), py::arg("ncols"), py::arg("nrows") = 0)
        .def("add_row", &Matrix::add_row, "Appends a row of zeros.")
        .def_buffer([](Matrix &m) -> py::buffer_info {
            return py::buffer_info(m.data(), sizeof(float), py::format_descriptor<float>::format(), 2,
                                   {m.rows(), m.cols()},
                                   {static_cast<py::ssize_t>(sizeof(float)) * m.cols(),
                                    static_cast<py::ssize_t>(sizeof(float))});
        });
}
