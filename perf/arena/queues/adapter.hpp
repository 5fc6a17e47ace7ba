// SPDX-License-Identifier: MIT
// The functions of a queue written in C++, made from two classes:
//
//	struct channel {
//		channel(std::size_t capacity, unsigned senders, unsigned receivers);
//	};
//	struct side {
//		side(channel &channel, bool sends);
//		std::size_t send(const arena_message *messages, std::size_t count);
//		std::size_t receive(arena_message *ret_messages, std::size_t count);
//	};
//
// What a constructor throws is the answer that the queue cannot be had.
#ifndef ARENA_ADAPTER_HPP
#define ARENA_ADAPTER_HPP

#include "../arena.h"

#include <cerrno>
#include <cstddef>
#include <new>

template <typename Channel, typename Side>
struct adapter {
	static void *create(std::size_t capacity, unsigned int senders, unsigned int receivers)
	{
		try {
			return new Channel(capacity, senders, receivers);
		} catch (const std::bad_alloc &) {
			errno = ENOMEM;
		} catch (...) {
			errno = EINVAL;
		}
		return nullptr;
	}

	static void destroy(void *queue)
	{
		delete static_cast<Channel *>(queue);
	}

	static void *attach(void *queue, bool sends)
	{
		return new Side(*static_cast<Channel *>(queue), sends);
	}

	static void detach(void *side)
	{
		delete static_cast<Side *>(side);
	}

	static std::size_t send(void *side, const arena_message *messages, std::size_t count)
	{
		return static_cast<Side *>(side)->send(messages, count);
	}

	static std::size_t receive(void *side, arena_message *ret_messages, std::size_t count)
	{
		return static_cast<Side *>(side)->receive(ret_messages, count);
	}

	// Where the side has these.
	static void send_waiting(void *side, const arena_message *message)
	{
		static_cast<Side *>(side)->send_waiting(*message);
	}

	static void receive_waiting(void *side, arena_message *ret_message)
	{
		static_cast<Side *>(side)->receive_waiting(*ret_message);
	}
};

#endif
