// Two examples, of which the second breaks a constraint.
def Good {
  let description = [{
    ```mlir
    %w = mla.weight "w" : tensor<4xf32>
    ```
  }];
}
def Broken {
  let description = [{
    ```mlir
    %w = mla.weight "w" : tensor<?xf32>
    ```
  }];
}
