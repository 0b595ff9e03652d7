/* The matrix as an expert writes it by hand against the C API: the yardstick of the benchmark.
 *
 * float32, a fixed number of columns, a growing number of rows. It refuses to grow while a view is held.
 * With -DFORTRAN the matrix is transposed, in Fortran order: a fixed number of rows, a growing number of columns.
 * bf_getbuffer answers every request as memoryview does, without code for cases that cannot occur: the memory is never
 * read-only, so PyBUF_WRITABLE is never refused.
 * The count of views relies on the GIL. With -DATOMIC, and for a free-threaded Python, it is an atomic. That alone does
 * not stop a view from beginning while another thread grows the matrix: for that, CPython's own bytearray takes a critical
 * section for every view. So without a GIL this is the least that an exporter can cost, and bytearray what a safe one does. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>

#ifdef FORTRAN
#define MODULE c_peer_fortran
enum { FIXED, GROWING };
#else
#define MODULE c_peer
enum { GROWING, FIXED };
#endif

#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#define INIT_(name) PyInit_##name
#define INIT(name) INIT_(name)

#if defined(ATOMIC) || defined(Py_GIL_DISABLED)
/* Acquire and Release: growing happens after the views that have ended. */
#define COUNT(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define ADD_VIEW(place) __atomic_fetch_add(&(place), 1, __ATOMIC_ACQUIRE)
#define END_VIEW(place) __atomic_fetch_sub(&(place), 1, __ATOMIC_RELEASE)
/* Two threads may write the same extent. */
#define SET(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
#else
#define COUNT(place) (place)
#define ADD_VIEW(place) (place)++
#define END_VIEW(place) (place)--
#define SET(place, value) (place) = (value)
#endif

typedef struct {
    PyObject_HEAD
    float *data;
    Py_ssize_t nrows;
    Py_ssize_t ncols;
    Py_ssize_t capacity; /* in rows */
    Py_ssize_t exports;
    Py_ssize_t shape[2];
    Py_ssize_t strides[2];
} Matrix;

static int
matrix_getbuffer(PyObject *op, Py_buffer *view, int flags)
{
    Matrix *self = (Matrix *)op;

    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "matrix: a request needs a view to fill");
        return -1;
    }
    view->obj = NULL;

    /* A dense matrix has both orders if at most one extent exceeds 1, or if there are no elements. */
#ifdef FORTRAN
    if (((flags & PyBUF_STRIDES) != PyBUF_STRIDES || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS)
        && self->nrows > 1 && self->ncols > 1) {
        PyErr_SetString(PyExc_BufferError, "matrix: not C contiguous");
        return -1;
    }
#else
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && self->nrows > 1 && self->ncols > 1) {
        PyErr_SetString(PyExc_BufferError, "matrix: not Fortran contiguous");
        return -1;
    }
#endif
    if ((flags & PyBUF_FORMAT) && !(flags & PyBUF_ND)) {
        PyErr_SetString(PyExc_BufferError, "matrix: a format without a shape describes nothing");
        return -1;
    }

    const Py_ssize_t stride = self->ncols * (Py_ssize_t)sizeof(float);
    SET(self->shape[GROWING], self->nrows);
    SET(self->shape[FIXED], self->ncols);
    SET(self->strides[GROWING], stride);
    SET(self->strides[FIXED], (Py_ssize_t)sizeof(float));

    view->buf = self->data;
    view->len = self->nrows * stride;
    view->readonly = 0;
    view->itemsize = (Py_ssize_t)sizeof(float);
    view->format = (flags & PyBUF_FORMAT) ? "f" : NULL;
    view->ndim = (flags & PyBUF_ND) ? 2 : 1;
    view->shape = (flags & PyBUF_ND) ? self->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? self->strides : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;

    ADD_VIEW(self->exports);
    Py_INCREF(op);
    view->obj = op;
    return 0;
}

static void
matrix_releasebuffer(PyObject *op, Py_buffer *Py_UNUSED(view))
{
    END_VIEW(((Matrix *)op)->exports);
}

static PyObject *
matrix_add_row(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    Matrix *self = (Matrix *)op;

    const Py_ssize_t exports = COUNT(self->exports);
    if (exports > 0) {
        PyErr_Format(PyExc_BufferError, "cannot resize: %zd views are alive", exports);
        return NULL;
    }
    if (self->nrows == self->capacity) {
        const Py_ssize_t capacity = self->capacity ? self->capacity : 4;
        float *data;

        if (capacity > PY_SSIZE_T_MAX / 2 / (Py_ssize_t)sizeof(float) / self->ncols) {
            return PyErr_NoMemory();
        }
        data = PyMem_RawRealloc(self->data, 2 * capacity * self->ncols * sizeof(float));
        if (data == NULL) {
            return PyErr_NoMemory();
        }
        self->data = data;
        self->capacity = 2 * capacity;
    }
    memset(self->data + self->nrows * self->ncols, 0, self->ncols * sizeof(float));
    self->nrows++;
    Py_RETURN_NONE;
}

static PyObject *
matrix_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ncols", "nrows", NULL};
    Py_ssize_t ncols, nrows = 0;
    Matrix *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n|n", names, &ncols, &nrows)) {
        return NULL;
    }
    if (ncols < 1 || nrows < 0) {
        PyErr_SetString(PyExc_ValueError, "ncols must be at least 1, nrows at least 0");
        return NULL;
    }
    if (nrows > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(float) / ncols) {
        return PyErr_NoMemory();
    }
    self = (Matrix *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->ncols = ncols;
    self->nrows = nrows;
    self->capacity = nrows;
    self->data = PyMem_RawCalloc(nrows * ncols, sizeof(float));
    if (self->data == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void
matrix_dealloc(PyObject *op)
{
    PyMem_RawFree(((Matrix *)op)->data);
    Py_TYPE(op)->tp_free(op);
}

static PyBufferProcs matrix_buffer = {matrix_getbuffer, matrix_releasebuffer};

static PyMethodDef matrix_methods[] = {
    {"add_row", matrix_add_row, METH_NOARGS, "Appends a row of zeros."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject MatrixType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = TEXT(MODULE) ".Matrix",
    .tp_basicsize = sizeof(Matrix),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = matrix_new,
    .tp_dealloc = matrix_dealloc,
    .tp_methods = matrix_methods,
    .tp_as_buffer = &matrix_buffer,
};

static int
module_exec(PyObject *m)
{
    return PyModule_AddType(m, &MatrixType);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = TEXT(MODULE),
    .m_slots = slots,
};

PyMODINIT_FUNC
INIT(MODULE)(void)
{
    return PyModuleDef_Init(&module);
}
