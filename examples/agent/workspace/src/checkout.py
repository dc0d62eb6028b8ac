def checkout(cart, pool):
    """Reserves the stock and writes the order, each in a transaction of its own."""
    with pool.connection() as stock:
        reserve(stock, cart)
        with pool.connection() as orders:
            return write_order(orders, cart)
