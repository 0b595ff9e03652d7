//! The emitted code, where it depends on decisions of the emitter itself.

use syn::parse_quote;

use super::*;

/// The expansion, without spaces.
fn expanded(input: &DeriveInput) -> String {
    derive(input).expect("no error").to_string().split_whitespace().collect()
}

#[test]
fn errors_leave_nothing_else() {
    let error = derive(&parse_quote!(
        struct S(u8);
    ))
    .expect_err("no repr");
    assert!(!error.into_compile_error().to_string().contains("impl"));
}

#[test]
fn a_refused_record_is_an_element_for_its_users() {
    let refused = |input: DeriveInput| refused(derive(&input).expect_err("a mistake"), &input).to_string();
    assert!(
        refused(parse_quote!(
            struct S {
                a: u8,
            }
        ))
        .contains("Element for S")
    );
    // Only if it is `Copy`, which the derive cannot see.
    assert!(
        refused(parse_quote!(
            #[pyclass]
            struct S {
                a: u8,
            }
        ))
        .contains("Element for S where")
    );
    for input in [
        parse_quote!(
            struct S<T> {
                a: T,
            }
        ),
        parse_quote!(
            #[derive(BufferElement)]
            #[repr(C)]
            struct S {
                a: u8,
            }
        ),
        parse_quote!(
            #[buffer(krate = "a")]
            struct S {
                a: u8,
            }
        ),
    ] {
        let refused = refused(input);
        assert!(refused.contains("compile_error") && !refused.contains("impl"), "{refused}");
    }
}

#[test]
fn no_type_of_a_field_is_written_down_again() {
    let expanded = expanded(&parse_quote!(
        #[repr(C)]
        struct S {
            a: first!(),
            b: [Second; 2],
            c: PhantomData<Third>,
        }
    ));
    for name in ["first", "Second", "Third", "PhantomData"] {
        assert!(!expanded.contains(name), "{name}: {expanded}");
    }
}

#[test]
fn every_field_is_matched() {
    let expanded = expanded(&parse_quote!(
        #[repr(C)]
        struct S {
            a: u8,
            b: u8,
            c: PhantomData<u8>,
        }
    ));
    assert!(expanded.contains("letSelf{a:_,b:_,c:_}=__record;"), "{expanded}");
    assert!(
        expanded
            .contains("::buffer_runtime::private::marker(|__record:Self|{letSelf{c:__field,..}=__record;__field});")
    );
}

#[test]
fn each_field_starts_where_the_one_before_ends() {
    let expanded = expanded(&parse_quote!(
        #[repr(C)]
        struct S(u8, #[buffer(padding)] u8, #[buffer(rename = "x", as = i8)] u8);
    ));
    assert!(expanded.contains("start:::core::mem::offset_of!(Self,0),previous_end:0"), "{expanded}");
    assert!(expanded.contains("start:::core::mem::offset_of!(Self,1),previous_end:__field0.end()"));
    assert!(expanded.contains("start:::core::mem::offset_of!(Self,2),previous_end:__field1.end()"));
    assert!(expanded.contains("}).renamed(\"f0\");let"));
    assert!(expanded.contains("}).padding();let"));
    assert!(expanded.contains("::buffer_runtime::private::Field::described_as("));
    assert!(
        expanded.contains(
            "<_as::buffer_runtime::private::AnyBytes>::PROVEN,<i8as::buffer_runtime::private::Element>::FACTS"
        )
    );
    assert!(expanded.contains("}).renamed(\"x\");["));
}

#[test]
fn a_concrete_record_is_checked_where_it_is_declared() {
    let concrete = expanded(&parse_quote!(
        #[repr(C)]
        struct S(u8);
    ));
    assert!(concrete.contains("const_:()=::buffer_runtime::private::check::<S>();"));
    assert!(!concrete.contains("where"));
}

#[test]
fn a_generic_record_asks_for_what_its_fields_need() {
    let generic = expanded(&parse_quote!(
        #[repr(C)]
        struct S<T: Clone, U, const N: usize>
        where
            U: Copy,
        {
            a: T,
            b: u8,
            c: [f32; N],
            #[buffer(as = [f32; 2])]
            d: Pair<T>,
            e: PhantomData<U>,
        }
    ));
    assert!(
        generic.contains("impl<T:Clone,U,constN:usize>::buffer_runtime::private::RecordforS<T,U,N>whereU:Copy,"),
        "{generic}"
    );
    assert!(generic.contains(
        "Self:::core::marker::Copy+::core::marker::Send+::core::marker::Sync+'static,T:::buffer_runtime::private::Element,[f32;N]:::buffer_runtime::private::Element,\
         Pair<T>:::buffer_runtime::private::AnyBytes{"
    ));
    assert!(!generic.contains("check"));
}

#[test]
fn a_transparent_struct_takes_its_field_over() {
    let transparent = expanded(&parse_quote!(
        #[repr(transparent)]
        struct S(f32);
    ));
    for function in ["inner_size", "inner_format", "inner_shape"] {
        assert!(transparent.contains(&format!("::buffer_runtime::private::{function}::<Self>()")));
    }
    assert!(!transparent.contains("renamed"));
}
