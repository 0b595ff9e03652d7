/* The consumer of the benchmark: it requests views with any flags, releases them, and does nothing else. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* pairs(obj, flags, n): requests and releases a view of obj, n times. Returns how many requests were refused. */
static PyObject *
pairs_pairs(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *obj;
    Py_ssize_t n, refused = 0;
    Py_buffer view;
    int flags;

    if (!PyArg_ParseTuple(args, "Oin", &obj, &flags, &n)) {
        return NULL;
    }
    for (; n > 0; n--) {
        if (PyObject_GetBuffer(obj, &view, flags) < 0) {
            PyErr_Clear();
            refused++;
            continue;
        }
        PyBuffer_Release(&view);
    }
    return PyLong_FromSsize_t(refused);
}

/* pairs_of(obj, name, flags, n): the same with obj.name, which is fetched n times. */
static PyObject *
pairs_pairs_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *obj, *name, *array;
    Py_ssize_t n, refused = 0;
    Py_buffer view;
    int flags;

    if (!PyArg_ParseTuple(args, "OUin", &obj, &name, &flags, &n)) {
        return NULL;
    }
    for (; n > 0; n--) {
        array = PyObject_GetAttr(obj, name);
        if (array == NULL) {
            return NULL;
        }
        if (PyObject_GetBuffer(array, &view, flags) < 0) {
            PyErr_Clear();
            refused++;
        } else {
            PyBuffer_Release(&view);
        }
        Py_DECREF(array);
    }
    return PyLong_FromSsize_t(refused);
}

static PyObject *
tuple_of(const Py_ssize_t *numbers, int count)
{
    PyObject *tuple;

    if (numbers == NULL) {
        Py_RETURN_NONE;
    }
    tuple = PyTuple_New(count);
    for (int i = 0; tuple != NULL && i < count; i++) {
        PyObject *number = PyLong_FromSsize_t(numbers[i]);
        if (number == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, i, number);
    }
    return tuple;
}

/* answer(obj, flags): the fields of a view, or the type of the exception if the request is refused. */
static PyObject *
pairs_answer(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *obj, *answer, *shape, *strides;
    Py_buffer view;
    int flags;

    if (!PyArg_ParseTuple(args, "Oi", &obj, &flags)) {
        return NULL;
    }
    if (PyObject_GetBuffer(obj, &view, flags) < 0) {
        PyObject *type = PyErr_Occurred();
        Py_INCREF(type);
        PyErr_Clear();
        return type;
    }
    shape = tuple_of(view.shape, view.ndim);
    strides = tuple_of(view.strides, view.ndim);
    /* "N" passes the two references on, also if they are NULL: then Py_BuildValue fails with the exception that is set. */
    answer = Py_BuildValue("nniziNN", view.len, view.itemsize, view.readonly, view.format, view.ndim, shape, strides);
    PyBuffer_Release(&view);
    return answer;
}

/* mark(): does nothing. A profiler that is given this function's name starts a new count here. */
static PyObject *
pairs_mark(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"pairs", pairs_pairs, METH_VARARGS, "pairs(obj, flags, n): request and release a view, n times; how many were refused."},
    {"pairs_of", pairs_pairs_of, METH_VARARGS, "pairs_of(obj, name, flags, n): the same with obj.name, fetched each time."},
    {"answer", pairs_answer, METH_VARARGS, "answer(obj, flags): the fields of a view, or the type of the exception."},
    {"mark", pairs_mark, METH_NOARGS, "mark(): where a profiler starts a new count."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pairs",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_pairs(void)
{
    return PyModuleDef_Init(&module);
}
