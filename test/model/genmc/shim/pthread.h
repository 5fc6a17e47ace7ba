/* SPDX-License-Identifier: MIT */
/* Instead of the system's: nobody is cancelled, nothing done at a thread's end. */
#include <sys/types.h> /* the types */

#define PTHREAD_CANCEL_DISABLE 0
#define PTHREAD_CANCEL_ASYNCHRONOUS 0

#define pthread_setcancelstate(state, ret_old) ((void)(state), (void)(ret_old))
#define pthread_setcanceltype(type, ret_old) ((void)(type), (void)(ret_old))
#define pthread_key_create(ret_key, destructor) ((void)(ret_key), (void)(destructor), 0)
#define pthread_setspecific(key, value) ((void)(key), (void)(value), 0)
#define pthread_atfork(prepare, parent, child) ((void)(child), 0)
#define pthread_mutex_init(mutex, attributes) ((void)(mutex), 0)
#define pthread_mutex_destroy(mutex) ((void)(mutex))
