/* The matrix with nanobind, whose manual passes buffer functions as type slots. The functions are the C extension's. */

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

namespace nb = nanobind;

struct Matrix {
    Matrix(Py_ssize_t ncols, Py_ssize_t nrows) : ncols(ncols), data(static_cast<std::size_t>(ncols * nrows)) {}

    void add_row() {
        if (exports > 0) {
            throw nb::buffer_error("cannot resize: views are alive");
        }
        data.resize(data.size() + static_cast<std::size_t>(ncols));
    }

    Py_ssize_t ncols;
    std::vector<float> data;
    Py_ssize_t exports = 0;
    Py_ssize_t shape[2];
    Py_ssize_t strides[2];
};

static int matrix_getbuffer(PyObject *op, Py_buffer *view, int flags) {
    if (view == nullptr) {
        PyErr_SetString(PyExc_BufferError, "a request needs a view to fill");
        return -1;
    }
    view->obj = nullptr;
    Matrix *self = nb::inst_ptr<Matrix>(op);
    const Py_ssize_t size = static_cast<Py_ssize_t>(self->data.size());
    const Py_ssize_t nrows = size / self->ncols;

    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && nrows > 1 && self->ncols > 1) {
        PyErr_SetString(PyExc_BufferError, "not Fortran contiguous");
        return -1;
    }
    if ((flags & PyBUF_FORMAT) && !(flags & PyBUF_ND)) {
        PyErr_SetString(PyExc_BufferError, "a format without a shape describes nothing");
        return -1;
    }
    self->shape[0] = nrows;
    self->shape[1] = self->ncols;
    self->strides[0] = self->ncols * static_cast<Py_ssize_t>(sizeof(float));
    self->strides[1] = static_cast<Py_ssize_t>(sizeof(float));

    view->buf = self->data.data();
    view->len = size * static_cast<Py_ssize_t>(sizeof(float));
    view->readonly = 0;
    view->itemsize = static_cast<Py_ssize_t>(sizeof(float));
    view->format = (flags & PyBUF_FORMAT) ? const_cast<char *>("f") : nullptr;
    view->ndim = (flags & PyBUF_ND) ? 2 : 1;
    view->shape = (flags & PyBUF_ND) ? self->shape : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? self->strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = nullptr;

    self->exports++;
    Py_INCREF(op);
    view->obj = op;
    return 0;
}

static void matrix_releasebuffer(PyObject *op, Py_buffer *) {
    nb::inst_ptr<Matrix>(op)->exports--;
}

static PyType_Slot matrix_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void *>(matrix_getbuffer)},
    {Py_bf_releasebuffer, reinterpret_cast<void *>(matrix_releasebuffer)},
    {0, nullptr},
};

NB_MODULE(nanobind_peer, m) {
    nb::class_<Matrix>(m, "Matrix", nb::type_slots(matrix_slots))
        .def(nb::init<Py_ssize_t, Py_ssize_t>(), nb::arg("ncols"), nb::arg("nrows") = 0)
        .def("add_row", &Matrix::add_row, "Appends a row of zeros.");
}
