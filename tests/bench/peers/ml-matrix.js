// ml-matrix, the fastest JavaScript library for singular values that is right.
import { Matrix, SingularValueDecomposition } from "ml-matrix";

const matrix = ({ data, shape: [rows, cols] }) => Matrix.from1DArray(rows, cols, data);

export async function create() {
  return {
    // Only for start-up: it is far behind at sizes that matter.
    gemm(inputs) {
      const [a, b] = [matrix(inputs.a), matrix(inputs.b)];
      return () => a.mmul(b).to1DArray();
    },
    svd(inputs) {
      const a = matrix(inputs.a);
      const options = { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true };
      return () => Float64Array.from(new SingularValueDecomposition(a, options).diagonal);
    },
  };
}
