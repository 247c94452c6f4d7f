"""Events to people: notifications kept, live messages pushed, requests handed on."""
