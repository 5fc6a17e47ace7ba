module memoryqueue

go 1.18
