//! What the production wasm has in place of the standard library's: a panic handler that says nothing, so
//! that no formatting code is linked (a third of the module otherwise), and a small allocator. The core
//! cannot panic; a panic elsewhere traps, which TypeScript reports as `ERR_PANIC` (J1).

use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};

// SAFETY: this module is instantiated once per realm, without shared memory or threads.
#[global_allocator]
#[allow(unsafe_code)]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };

#[panic_handler]
fn panic(_: &::core::panic::PanicInfo) -> ! {
    ::core::arch::wasm32::unreachable()
}
